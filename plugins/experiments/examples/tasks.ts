/** Experiments to begin with: small enough for a minute, and worded so that no model is needed. */
import { apartments, customers, grains } from './tables.ts'

export interface ExampleTask {
  readonly id: string
  readonly title: string
  readonly goal: string
  readonly evaluation: string
  readonly background: string
  readonly description: string
  readonly files: readonly { readonly name: string; readonly text: () => string }[]
}

/** Made when it is first asked for, once. */
const once = (make: () => string): (() => string) => {
  let made: string | undefined
  return () => (made ??= make())
}

export const exampleTasks: readonly ExampleTask[] = [
  {
    id: 'apartment-rents',
    title: 'Apartment rents',
    goal: 'Predict the `rent` of apartments from their size, age, floor and quarter.',
    evaluation: 'Use RMSE between the predicted and the actual rent.',
    background: 'A made-up town of four quarters; rents are monthly.',
    description: 'apartments.csv: 600 apartments, one a row; `id` numbers them.',
    files: [{ name: 'apartments.csv', text: once(apartments) }],
  },
  {
    id: 'customer-churn',
    title: 'Customer churn',
    goal: 'Predict `churned`: whether a customer will leave.',
    evaluation: 'Use ROC AUC of the predicted probability.',
    background:
      'Made-up contracts of an internet provider; fewer than half of the customers leave.',
    description: 'customers.csv: 800 customers; some values of `usage_gb` are missing.',
    files: [{ name: 'customers.csv', text: once(customers) }],
  },
  {
    id: 'grain-kinds',
    title: 'Kinds of grain',
    goal: 'Predict the `kind` of a grain from its measurements.',
    evaluation: 'Use accuracy.',
    background: 'Made-up measurements of four kinds of grain; oat and rye are hard to tell apart.',
    description: 'grains.csv: 500 grains with four measurements each.',
    files: [{ name: 'grains.csv', text: once(grains) }],
  },
]

const previewLines = 6

/** In the names that the clients of the original read. */
export const exampleView = ({ id, title, files, ...task }: ExampleTask) => ({
  id,
  title,
  filename: `${id}.md`,
  sections: {
    goal: task.goal,
    background: task.background,
    evaluation: task.evaluation,
    data_description: task.description,
  },
  data_files: files.map(({ name, text }) => ({
    name,
    size: Buffer.byteLength(text()),
    type: 'csv',
    path: `/api/example-tasks/${id}/files/${name}`,
    preview: text().split('\n', previewLines).join('\n'),
  })),
  file_count: files.length,
  has_data: files.length > 0,
})
