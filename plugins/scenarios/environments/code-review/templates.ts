/** Code with planted defects, and its harmless twins, as lines of a diff. */
import { defects, type Defect, type Place } from './change.ts'

interface Template {
  readonly before: string
  /** What looks wrong. */
  readonly suspect: string
  readonly sound: string
}

const templates: Readonly<Record<Defect, readonly Template[]>> = {
  off_by_one: [
    {
      before: 'const sum = total(prices)',
      suspect: 'for (let i = 0; i <= prices.length; i++) sum += prices[i]',
      sound: 'for (let i = 0; i < prices.length; i++) sum += prices[i]',
    },
    {
      before: 'const last = names.at(-1)',
      suspect: 'const last = names[names.length]',
      sound: 'const last = names[names.length - 1]',
    },
    {
      before: 'const page = rows.slice(from)',
      suspect: 'const page = rows.slice(from, from + size + 1)',
      sound: 'const page = rows.slice(from, from + size)',
    },
  ],
  secret: [
    {
      before: 'const key = ask()',
      suspect: "const key = 'prod-4f9a17c2d08b'",
      sound: 'const key = process.env.API_KEY',
    },
    {
      before: 'connect(host)',
      suspect: "connect(host, { password: 'winter-in-may' })",
      sound: 'connect(host, { password: vault.read(host) })',
    },
    {
      before: 'sign(token)',
      suspect: "sign(token, '9b1c-77e0-signing')",
      sound: 'sign(token, keys.current())',
    },
  ],
  injection: [
    {
      before: 'const order = orders.find(id)',
      suspect: "const order = db.query('SELECT * FROM orders WHERE id = ' + id)",
      sound: "const order = db.query('SELECT * FROM orders WHERE id = ?', [id])",
    },
    {
      before: 'resize(image)',
      suspect: 'exec(`convert ${image} small.png`)',
      sound: "execFile('convert', [image, 'small.png'])",
    },
    {
      before: 'page.append(title)',
      suspect: 'page.innerHTML += `<h1>${title}</h1>`',
      sound: 'page.append(heading(title))',
    },
  ],
  null_access: [
    {
      before: 'const name = nameOf(id)',
      suspect: 'const name = users.get(id).name',
      sound: 'const name = users.get(id)?.name ?? unknown',
    },
    {
      before: 'const first = firstOf(rows)',
      suspect: 'const first = rows[0].id',
      sound: 'const first = rows[0]?.id ?? null',
    },
    {
      before: 'const year = yearOf(text)',
      suspect: 'const year = text.match(pattern)[1]',
      sound: 'const year = text.match(pattern)?.[1]',
    },
  ],
  resource_leak: [
    {
      before: 'const text = read(path)',
      suspect: 'const file = open(path); const text = file.read()',
      sound: 'using file = open(path); const text = file.read()',
    },
    {
      before: 'const rows = all(pool)',
      suspect: 'const client = pool.take(); const rows = client.all()',
      sound: 'const rows = pool.with((client) => client.all())',
    },
    {
      before: 'wait(1000)',
      suspect: 'const timer = setInterval(poll, 1000)',
      sound: 'const timer = setInterval(poll, 1000); onClose(() => clearInterval(timer))',
    },
  ],
}

export const diffOf = ({ kind, wording, isSuspect }: Place): string => {
  const name = defects[kind]
  const template = name && templates[name][wording]
  if (!template) throw new RangeError(`There is no code ${kind}.${wording}`)
  return `- ${template.before}\n+ ${isSuspect ? template.suspect : template.sound}`
}

const readings = new Map(
  defects.flatMap((name, kind) =>
    templates[name].flatMap((_, wording) =>
      [true, false].map((isSuspect) => {
        const place = { kind, wording, isSuspect, isExposed: false }
        return [diffOf(place), place] as const
      }),
    ),
  ),
)

/** The other way round; undefined: it is no such diff. */
export const placeOf = (diff: string): Place | undefined => readings.get(diff)
