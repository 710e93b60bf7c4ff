/** Sizes and times as people write and read them: `40G`, `2h`, `1m20s`. */

const sizeUnits = ['', 'K', 'M', 'G', 'T', 'P']

/** Powers of 1024, as RAM is counted: `512M`, `40G`, `1.5GiB`; undefined when it is no size. */
export const parseSize = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTP]?)(?:i?B)?$/i.exec(text.trim())
  if (!match) return undefined
  const power = sizeUnits.indexOf((match[2] as string).toUpperCase())
  return Math.round(Number(match[1]) * 1024 ** power)
}

export const formatSize = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1023.95 && unit < sizeUnits.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${sizeUnits[unit]}iB`
}

const timeUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `90s`, `2h`, `1h30m`, `500ms`; a bare number is seconds; undefined when it is no time. */
export const parseDuration = (text: string): number | undefined => {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000)
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let total = 0
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(value) * (timeUnitsMs[unit as string] as number)
  }
  return Math.round(total)
}

/** Two units at most: `0.3s`, `42s`, `1m20s`, `2h05m`, `3d04h`. */
export const formatDuration = (ms: number): string => {
  if (ms > 0 && ms < 9_950) return `${Number((ms / 1000).toFixed(1))}s`
  const seconds = Math.max(0, Math.round(ms / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`
  const hours = Math.floor(minutes / 60)
  return `${Math.floor(hours / 24)}d${two(hours % 24)}h`
}
