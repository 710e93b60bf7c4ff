/** The routes of uploaded files. */
import { download, router } from '../../src/sdk.ts'
import { badRequest, invalidFileType } from './errors.ts'
import { type Files, fileView, type StoredFile } from './files/files.ts'
import { readMultipart } from './files/multipart.ts'
import { allowedTypes, isAllowed, safeName } from './files/names.ts'
import { documentedPage, pageOf } from './parameters.ts'

const tags = ['files']

export interface FileRoutesOptions {
  readonly files: Files
  /** The largest file, in bytes. */
  readonly maxFileBytes: number
}

const maxFiles = 100

export const fileRoutes = ({ files, maxFileBytes }: FileRoutesOptions) =>
  router()
    .post(
      '/api/upload',
      async ({ request, who }) => {
        const stored: StoredFile[] = []
        try {
          await readMultipart(request, { maxFileBytes, maxFiles }, async (name, bytes) => {
            if (!isAllowed(safeName(name))) throw invalidFileType(safeName(name), allowedTypes)
            stored.push(await files.add(who, name, bytes))
          })
        } catch (error) {
          // All of them or none: whoever is told of an error has nothing to clean up.
          for (const { id } of stored) await files.remove(who, id)
          throw error
        }
        if (stored.length === 0) throw badRequest('There is no file in the body')
        return stored.map(fileView)
      },
      {
        parse: 'none',
        detail: {
          tags,
          summary: 'Upload files',
          description: `Fields named \`files\`; each at most ${maxFileBytes} bytes.`,
          requestBody: {
            required: true,
            content: {
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['files'],
                  properties: {
                    files: { type: 'array', items: { type: 'string', format: 'binary' } },
                  },
                },
              },
            },
          },
          'x-rate-limit': 'upload',
          'x-max-body': maxFiles * maxFileBytes,
        } as object,
      },
    )
    .get(
      '/api/files',
      async ({ query, who }) => {
        const { page, limit } = pageOf(query)
        const { files: found, total } = await files.list(who, page, limit)
        const totalPages = Math.ceil(total / limit)
        return { files: found.map(fileView), total, page, limit, totalPages }
      },
      { detail: { tags, summary: 'List uploaded files', parameters: documentedPage } },
    )
    .get('/api/files/:id', async ({ params, who }) => fileView(await files.find(who, params.id)), {
      detail: { tags, summary: 'Get what is known of a file' },
    })
    .get(
      '/api/files/:id/download',
      async ({ params, who, request }) => {
        const file = await files.find(who, params.id)
        const described = {
          path: file.name,
          sha256: file.sha256,
          sizeBytes: file.sizeBytes,
          contentType: file.mimeType,
        }
        return download(request, described, (range) => files.open(file, range))
      },
      {
        detail: {
          tags,
          summary: 'Download a file',
          responses: {
            200: { description: 'The file', content: { 'application/octet-stream': {} } },
          },
        },
      },
    )
    .delete(
      '/api/files/:id',
      async ({ params, who }) => {
        await files.remove(who, params.id)
        return { id: params.id, deleted: true }
      },
      { detail: { tags, summary: 'Delete a file; experiments keep what they were made with' } },
    )
