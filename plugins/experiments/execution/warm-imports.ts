/** What programs of experiments usually import, of what is installed. */

/** By name on PyPI, the modules whose import takes time. */
const usual: Readonly<Record<string, readonly string[]>> = {
  numpy: ['numpy'],
  scipy: ['scipy.sparse', 'scipy.stats', 'scipy.optimize'],
  pandas: ['pandas'],
  'scikit-learn': [
    'sklearn.compose',
    'sklearn.datasets',
    'sklearn.decomposition',
    'sklearn.ensemble',
    'sklearn.feature_extraction.text',
    'sklearn.impute',
    'sklearn.linear_model',
    'sklearn.metrics',
    'sklearn.model_selection',
    'sklearn.naive_bayes',
    'sklearn.neighbors',
    'sklearn.neural_network',
    'sklearn.pipeline',
    'sklearn.preprocessing',
    'sklearn.svm',
    'sklearn.tree',
  ],
  lightgbm: ['lightgbm'],
  xgboost: ['xgboost'],
  catboost: ['catboost'],
  statsmodels: ['statsmodels.api'],
  torch: ['torch'],
}

/** `packages`: what is installed, by name, with its version. */
export const warmImports = (packages: Readonly<Record<string, string>>): string[] => {
  const installed = new Set(Object.keys(packages).map((name) => name.toLowerCase()))
  return Object.entries(usual).flatMap(([name, modules]) => (installed.has(name) ? modules : []))
}
