/** Shortens what a program printed for a prompt: its beginning and its end tell most. */

const limit = 5100
const kept = 2500

export const truncated = (text: string, most = limit, part = kept): string => {
  if (text.length <= most) return text
  const gap = `\n ... [${text.length - 2 * part} characters left out] ... \n`
  return text.slice(0, part) + gap + text.slice(-part)
}
