/** JSON as Python writes it: with NaN and Infinity, which are no JSON. */

/** Those become null. @throws SyntaxError for what is not JSON otherwise */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return JSON.parse(withoutBareWords(text))
  }
}

/** Looks only between strings, where the words are no text. */
const withoutBareWords = (text: string): string => {
  const parts: string[] = []
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at)
    const between = text.slice(at, quote < 0 ? text.length : quote)
    parts.push(between.replace(/-?\bInfinity\b|\bNaN\b/g, 'null'))
    if (quote < 0) break
    at = endOfString(text, quote)
    parts.push(text.slice(quote, at))
  }
  return parts.join('')
}

const endOfString = (text: string, quote: number): number => {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return end + 1
  }
  return text.length
}
