/** Routes whose handlers read and check bodies themselves: here they are documented. */

export const told = (tags: string[], summary: string, schema?: object) => ({
  parse: 'none' as const,
  detail: {
    tags,
    summary,
    ...(schema && {
      requestBody: { required: true, content: { 'application/json': { schema } } },
    }),
  },
})
