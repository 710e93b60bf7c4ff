/** How much each row sends: enough for a steady figure, and little enough to wait for. */
export interface Scale {
  readonly repeats: number
  readonly hearth: Sizes
  readonly mlflow: Sizes
  readonly pageRequests: number
  readonly subscribers: number
  readonly liveSeconds: number
}

interface Sizes {
  /** Batches of 1000 points, over all clients. */
  readonly batches: number
  /** Requests of one point, over all clients. */
  readonly singles: number
  readonly chartPoints: number
  readonly runs: number
  readonly chartRequests: number
}

export const fullScale: Scale = {
  repeats: 3,
  hearth: {
    batches: 2000,
    singles: 32_000,
    chartPoints: 10_000_000,
    runs: 10_000,
    chartRequests: 200,
  },
  mlflow: { batches: 48, singles: 640, chartPoints: 160_000, runs: 10_000, chartRequests: 5 },
  pageRequests: 200,
  subscribers: 1000,
  liveSeconds: 10,
}

export const quickScale: Scale = {
  repeats: 1,
  hearth: { batches: 80, singles: 3200, chartPoints: 200_000, runs: 200, chartRequests: 20 },
  mlflow: { batches: 8, singles: 64, chartPoints: 10_000, runs: 50, chartRequests: 2 },
  pageRequests: 20,
  subscribers: 50,
  liveSeconds: 2,
}
