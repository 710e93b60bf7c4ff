/** What an import of a WebAssembly file gives. */
declare module '*.wasm' {
  /** Where the file lies, also inside of the compiled binary. */
  const path: string
  export default path
}
