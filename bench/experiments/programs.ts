/** Ten programs on the digits, as a model would write them: one fails, and one mends it. */

const head = `import os
import numpy as np
import pandas as pd
from sklearn.model_selection import cross_val_score, train_test_split
`

const body = (model: string): string => `
table = pd.read_csv("./input/digits.csv")
X, y = table.drop(columns="target").to_numpy(), table["target"].to_numpy()
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, random_state=0, stratify=y
)
model = ${model}
scores = cross_val_score(model, X_train, y_train, cv=5)
model.fit(X_train, y_train)
predicted = model.predict(X_test)
os.makedirs("./working", exist_ok=True)
pd.DataFrame({"target": predicted}).to_csv("./working/submission.csv", index=False)
print(f"held out accuracy {np.mean(predicted == y_test):.4f}")
print(f"metric: {scores.mean():.4f}")
`

const program = (imports: string, model: string): string => `${head}${imports}\n${body(model)}`

const svc = 'from sklearn.svm import SVC'
const pipeline =
  'from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler'

const tree = 'from sklearn.tree import DecisionTreeClassifier'

/** A class that there is not. */
const misspelt = 'DecisionTreeClasifier(random_state=0)'

/** The line of the failing program that nothing else has, not even the error's message. */
export const mistake = `model = ${misspelt}`

/** What is told to whoever shows the failing program. */
export const mended = program(tree, 'DecisionTreeClassifier(random_state=0)')

/** In the order in which they are asked for. */
export const programs: readonly string[] = [
  program('from sklearn.dummy import DummyClassifier', 'DummyClassifier()'),
  program(tree, misspelt),
  program('from sklearn.naive_bayes import GaussianNB', 'GaussianNB()'),
  program(
    'from sklearn.neighbors import KNeighborsClassifier',
    'KNeighborsClassifier(n_neighbors=3)',
  ),
  program(
    `from sklearn.linear_model import LogisticRegression\n${pipeline}`,
    'make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))',
  ),
  program(
    'from sklearn.ensemble import RandomForestClassifier',
    'RandomForestClassifier(n_estimators=50, random_state=0)',
  ),
  program(svc, 'SVC()'),
  program(svc, 'SVC(gamma=0.001, C=10)'),
  program(
    'from sklearn.ensemble import ExtraTreesClassifier',
    'ExtraTreesClassifier(n_estimators=50, random_state=0)',
  ),
]

/** The one that fails is mended in a step of its own. */
export const steps = programs.length + 1
