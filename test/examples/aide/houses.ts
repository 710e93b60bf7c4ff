/** A small table whose prices can be learned, and the body that AIDE's document creates with. */

export const housesCsv = (): string => {
  const rows = Array.from({ length: 120 }, (_, i) => {
    const rooms = 1 + (i % 6)
    const age = (i * 7) % 50
    return `${i},${rooms},${age},${100 + 55 * rooms - age + ((i * 13) % 11)}`
  })
  return `${['id,rooms,age,price', ...rows].join('\n')}\n`
}

/** The first five fields are the document's; the others make it a matter of a second. */
export const housePrices = (files: readonly string[], steps = 2) => ({
  name: 'House Price Prediction',
  goal: 'Predict house prices using the provided dataset',
  eval: 'Use RMSE metric for evaluation',
  steps,
  files,
  reruns: 0,
  ensemble: false,
})
