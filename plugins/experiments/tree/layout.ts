/** Where the nodes of the tree go: drafts side by side, children below, by Reingold and Tilford. */
import { hierarchy, tree } from 'd3-hierarchy'
import type { NodeView } from '../node-view.ts'

export interface Place {
  readonly x: number
  readonly y: number
}

/** Distances between neighbours and between generations, in the units of the drawing. */
const gapX = 74
const gapY = 98

interface Branch {
  readonly id: string
  readonly children: Branch[]
}

/** Pure. A node whose parent is not there stands with the drafts. */
export const placesOf = (
  nodes: readonly Pick<NodeView, 'id' | 'parentId'>[],
): ReadonlyMap<string, Place> => {
  const branches = new Map(nodes.map(({ id }) => [id, { id, children: [] } as Branch]))
  const root: Branch = { id: '', children: [] }
  for (const { id, parentId } of nodes) {
    const parent = (parentId !== null && branches.get(parentId)) || root
    parent.children.push(branches.get(id) as Branch)
  }
  const places = new Map<string, Place>()
  tree<Branch>()
    .nodeSize([gapX, gapY])
    .separation((a, b) => (a.parent === b.parent ? 1 : 1.25))(hierarchy(root))
    .each(({ data, x, y }) => {
      if (data !== root) places.set(data.id, { x: round(x), y: round(y - gapY) })
    })
  return places
}

const round = (value: number): number => Math.round(value * 10) / 10
