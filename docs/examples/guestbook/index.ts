/** A whole plugin in one file: a table, three routes, a live channel, a setting and an error. */
import { definePlugin, HearthError, router, sql, t } from 'hearth'

interface Entry {
  readonly id: number
  readonly author: string
  readonly text: string
}

const NewEntry = t.Object({ text: t.String({ minLength: 1, examples: ['Hello!'] }) })
const StoredEntry = t.Object({ id: t.Integer(), author: t.String(), text: t.String() })

export default definePlugin({
  id: 'guestbook',
  version: '1.0.0',
  sdk: '^0.1.0',
  config: t.Object({ maxLength: t.Integer({ minimum: 1, default: 280 }) }),
  migrations: [
    {
      name: '0001_entries',
      up: (words) => `
        create table guestbook_entry (
          id ${words.id},
          author text not null,
          text text not null
        );`,
    },
  ],
  setup: ({ db, config, live, log }) => {
    const since = (id: number) =>
      db.rows<Entry>(sql`select id, author, text from guestbook_entry where id > ${id} order by id`)

    const routes = router()
      .get('/guestbook', () => since(0), {
        response: t.Array(StoredEntry),
        detail: { summary: 'All entries, oldest first', tags: ['guestbook'] },
      })
      .post(
        '/guestbook',
        async ({ body, who }) => {
          if (body.text.length > config.maxLength) {
            throw new HearthError('bad_request', `At most ${config.maxLength} characters`)
          }
          const [entry] = await db.rows<Entry>(
            sql`insert into guestbook_entry (author, text) values (${who.username}, ${body.text})
                returning id, author, text`,
          )
          if (!entry) throw new HearthError('internal')
          live.publish('entries', [{ cursor: entry.id, data: entry }])
          log.info('signed', { author: who.username })
          return entry
        },
        {
          body: NewEntry,
          response: StoredEntry,
          detail: { summary: 'Sign the book', tags: ['guestbook'] },
        },
      )

    return {
      routes,
      channels: [
        {
          path: '/ws/guestbook',
          open: () => ({
            topic: 'entries',
            async *replay(cursor) {
              yield (await since(cursor)).map((entry) => ({ cursor: entry.id, data: entry }))
            },
          }),
        },
      ],
    }
  },
})
