/** Which callers count as one: a user, an address, or for IPv6 the network one customer owns. */
import type { Who } from './who.ts'

/** What requests are counted by: the user who proved to be one, else the address. */
export const callerKey = (who: Who | null, ip: string): string =>
  who === null || who.via === 'local' ? addressKey(ip) : `user ${who.id}`

/** One IPv6 customer has at least a /64 to choose addresses from, so that is what is counted. */
export const addressKey = (ip: string): string => {
  if (!ip.includes(':')) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  if (mapped?.[1]) return mapped[1]
  const [head = '', tail] = ip.toLowerCase().replace(/%.*$/, '').split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - start.length - end.length)
  const groups = [...start, ...Array<string>(zeros).fill('0'), ...end]
  const network = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':')}::/64`
}
