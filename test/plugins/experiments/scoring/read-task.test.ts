/** Checks that a task is read from what people write, and that nothing is made up. */
import { describe, expect, test } from 'bun:test'
import type { ColumnSummary, TableSummary } from '../../../../plugins/experiments/data/preview.ts'
import { readTask } from '../../../../plugins/experiments/scoring/read-task.ts'

const columns = (names: string, rows: number): ColumnSummary[] =>
  names.split(' ').map((spec) => {
    const [name, kind = 'number', unique = String(rows)] = spec.split(':')
    const isNumber = kind === 'number' || kind === 'integer'
    return {
      name: name!,
      kind: kind as ColumnSummary['kind'],
      missing: 0,
      unique: Number(unique),
      min: isNumber ? 0 : null,
      max: isNumber ? 1 : null,
      top: [],
    }
  })

const table = (path: string, names: string, rows = 500): TableSummary => ({
  path,
  rows,
  columns: columns(names, rows),
})

const houses = table(
  'train.csv',
  'Id:integer LotArea:integer:300 Rooms:integer:6 SalePrice:integer:400',
)
const titanic = table(
  'titanic.csv',
  'PassengerId:integer Survived:integer:2 Name:text Sex:category:2 Age:number:80 Fare:number:200',
)
const iris = table(
  'iris.csv',
  'sepal_length:number:35 sepal_width:number:23 species:category:3',
  150,
)
const digits = table('digits.csv', 'p0:number:17 p1:number:17 digit:integer:10')
const cancer = table('breast.csv', 'mean_radius:number mean_texture:number diagnosis:category:2')
const plain = table('data.csv', 'a:number b:number c:number')
const search = table('clicks.csv', 'qid:integer:50 score:number relevance:integer:4')

const read = (tables: TableSummary[], goal: string, evaluation: string | null = null, asked = {}) =>
  readTask({ goal, evaluation, tables, asked })

describe('from goal and evaluation', () => {
  test.each([
    [
      houses,
      'Predict house prices using the provided dataset',
      'Use RMSE metric for evaluation',
      'SalePrice regression rmse Id read',
    ],
    [
      houses,
      'Predict the sales price for each house',
      'root mean squared logarithmic error between the logs',
      'SalePrice regression rmsle Id read',
    ],
    [
      houses,
      'Estimate SalePrice from LotArea and Rooms',
      null,
      'SalePrice regression rmse Id read',
    ],
    [
      titanic,
      'Predict whether a passenger survived',
      'accuracy',
      'Survived binary accuracy PassengerId read',
    ],
    [
      titanic,
      'Predict survival on the Titanic',
      'Area under the ROC curve',
      'Survived binary roc_auc PassengerId read',
    ],
    [titanic, 'Classify passengers by survival', 'F1-score', 'Survived binary f1 PassengerId read'],
    [
      titanic,
      'Target: Survived. Features: everything else',
      null,
      'Survived binary roc_auc PassengerId read',
    ],
    [titanic, 'Regress the fare that each one paid', 'R²', 'Fare regression r2 PassengerId read'],
    [iris, 'Classify the species of iris flowers', 'F1', 'species multiclass f1_macro null read'],
    [
      iris,
      'Predict the sepal width of flowers',
      'mean absolute error',
      'sepal_width regression mae null read',
    ],
    [
      digits,
      'Recognise handwritten characters: predict the digit',
      'log loss',
      'digit multiclass log_loss null read',
    ],
    [
      digits,
      'Predict `digit` using quadratic weighted kappa',
      null,
      'digit multiclass quadratic_weighted_kappa null read',
    ],
    [
      cancer,
      'Detect the diagnosis from cell features',
      'AUC',
      'diagnosis binary roc_auc null read',
    ],
    [cancer, 'A model of tumours', 'AUC', 'diagnosis binary roc_auc null guessed'],
    [digits, 'Do your best', null, 'digit multiclass accuracy null guessed'],
    [search, 'Rank documents by relevance', 'NDCG@10', 'relevance ranking ndcg@10 null read'],
    [
      houses,
      'Predict SalePrice',
      'accuracy is measured with a very accurate tool',
      'SalePrice regression rmse Id read',
    ],
  ] as const)('%#', (one, goal, evaluation, wanted) => {
    const { task, reason } = read([one], goal, evaluation)
    const said = task ? [task.target, task.kind, task.metric, task.id, task.source] : [reason]
    expect(said.map(String).join(' ')).toBe(wanted)
  })

  test.each([
    ['MedInc HouseAge:integer:50 MedHouseVal', 'Predict the median house value', 'MedHouseVal'],
    ['a b c:category:3', 'Predict a category by looking at the rest', 'c'],
    ['a:integer:2 b c', 'Predict `a`', 'a'],
    ['price_per_room price rooms:integer:5', 'Predict house prices from rooms', 'price'],
    [
      'customer_id:integer tenure churn:boolean:2',
      'Will a customer leave? Predict churn.',
      'churn',
    ],
  ])('of %j, %j means %j', (names, goal, target) => {
    expect(read([table('x.csv', names)], goal).task?.target).toBe(target)
  })

  test('a whole task', () => {
    expect(read([houses], 'Predict house prices', 'RMSE')).toEqual({
      reason: null,
      task: {
        kind: 'regression',
        target: 'SalePrice',
        metric: 'rmse',
        maximize: false,
        table: 'train.csv',
        id: 'Id',
        group: null,
        source: 'read',
        explanation:
          'The text asks for "SalePrice", a column of train.csv. ' +
          'The metric is rmse, which the text names ("rmse").',
      },
    })
  })
})

describe('guesses', () => {
  test('take the column that test.csv lacks', () => {
    const train = table('train.csv', 'x:number outcome_2:category:2 z:number')
    const { task } = read([table('test.csv', 'x:number z:number'), train], 'Do your best')
    expect({ target: task?.target, source: task?.source, table: task?.table }).toEqual({
      target: 'outcome_2',
      source: 'guessed',
      table: 'train.csv',
    })
  })

  test('take the column and the id of a sample submission', () => {
    const sample = table('sample_submission.csv', 'key:integer quality:number:1')
    const train = table('wine.csv', 'key:integer quality:integer:6 acid:number')
    const { task } = read([sample, train], 'Do your best')
    expect([task?.target, task?.id, task?.kind]).toEqual(['quality', 'key', 'multiclass'])
  })

  test.each([
    [[], 'No table was uploaded.'],
    [[plain], 'No column is a target.'],
    [[table('x.csv', 'a:number y:integer:2', 9)], '"y" of x.csv has 9 values; a score needs'],
    [[table('x.csv', 'a:number y:integer:1', 50)], 'No column is a target.'],
  ])('are not made of nothing: %#', (tables, reason) => {
    const answer = read(tables, 'Do your best')
    expect(answer.task).toBeNull()
    expect(answer.reason).toStartWith(reason)
  })
})

describe('what is given', () => {
  const task = (tables: TableSummary[], asked: object) => read(tables, 'Anything', null, asked).task

  test('comes first, whatever the text says', () => {
    const asked = {
      target: 'fare',
      metric: 'Mean Absolute Error',
      idColumn: 'Name',
      groupColumn: 'Sex',
    }
    expect(read([titanic], 'Predict who survived', 'accuracy', asked).task).toEqual({
      kind: 'regression',
      target: 'Fare',
      metric: 'mae',
      maximize: false,
      table: 'titanic.csv',
      id: 'Name',
      group: 'Sex',
      source: 'given',
      explanation: '"Fare" was given as the target. mae was given as the metric.',
    })
  })

  test('no target means no score', () => {
    expect(read([titanic], 'Predict Survived', 'auc', { target: null })).toEqual({
      task: null,
      reason: 'The settings ask for no target.',
    })
  })

  test('a metric alone decides between kinds', () => {
    expect(task([digits], { target: 'digit', metric: 'rmse' })?.kind).toBe('regression')
    expect(task([digits], { target: 'digit', metric: 'f1' })?.metric).toBe('f1_macro')
    expect(task([titanic], { target: 'Sex', metric: 'AUC' })?.metric).toBe('roc_auc')
  })

  test.each([
    [{ target: 'Survive' }, 'There is no column "Survive". Did you mean "Survived"?'],
    [
      { target: 'zzzzzzzzzz' },
      'There is no column "zzzzzzzzzz". The columns are "PassengerId", "Survived"',
    ],
    [{ target: 'Sex', metric: 'rmse' }, 'rmse cannot be computed for "Sex" of titanic.csv.'],
    [{ target: 'Sex', metric: 'acuracy' }, 'There is no metric "acuracy". Did you mean accuracy?'],
    [{ target: 'Sex', metric: 'qqqqqqqqq' }, 'There is no metric "qqqqqqqqq". It is one of: rmse,'],
    [{ target: 'Fare', metric: 'accuracy' }, null],
    [{ target: 'Name' }, '"Name" of titanic.csv has no values that could be predicted.'],
    [{ target: 'Sex', idColumn: 'Sex' }, '"Sex" is the target, so it cannot name rows'],
    [{ target: 'Sex', groupColumn: 'Sex' }, '"Sex" is the target, so it cannot group rows'],
    [{ target: 'Sex', idColumn: 'nope' }, 'There is no column "nope".'],
    [
      { target: 'Fare', metric: 'ndcg' },
      'ndcg needs a group column: the query that a row belongs to.',
    ],
  ])('is checked: %j', (asked, message) => {
    if (message === null) expect(task([titanic], asked)?.kind).toBe('multiclass')
    else expect(() => task([titanic], asked)).toThrow(message)
  })
})
