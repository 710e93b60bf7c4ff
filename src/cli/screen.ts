/** Shares a terminal between what a job prints and a line below it that says how it gets on. */
import { type Output, write } from './output.ts'

const hide = '\r\x1b[2K'
/** Redrawn no more often than eyes can follow. */
const redrawMs = 50

export class Screen {
  readonly #output: Output
  /** The line is drawn on a terminal only. */
  readonly isLive: boolean
  /** Both go to one terminal, as far as one can know. */
  readonly #isShared: boolean
  #line = ''
  #isDrawn = false
  /** What the job printed last did not end its line. */
  #isMidLine = false
  #drawnAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(output: Output) {
    this.#output = output
    this.isLive = process.stderr.isTTY === true && !output.json
    this.#isShared = process.stdout.isTTY === true
  }

  /** What the job printed, as it is. */
  async log(text: string): Promise<void> {
    if (this.#isShared) this.#hide()
    await this.#output.raw(text)
    if (!this.#isShared) return
    this.#isMidLine = !text.endsWith('\n')
    this.#draw()
  }

  /** A remark that stays. */
  note(text: string): void {
    this.#hide()
    if (this.#isMidLine && this.isLive) process.stderr.write('\n')
    this.#isMidLine = false
    this.#output.note(text)
    this.#draw()
  }

  /** The line that changes; nothing where there is no terminal. */
  show(line: string): void {
    if (!this.isLive) return
    this.#line = line
    const dueMs = this.#drawnAt + redrawMs - performance.now()
    if (dueMs <= 0) this.#draw()
    else this.#timer ??= setTimeout(() => this.#draw(), dueMs)
  }

  /** Takes the line away for good. */
  close(): void {
    this.#line = ''
    this.#hide()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #hide(): void {
    if (this.#isDrawn) process.stderr.write(hide)
    this.#isDrawn = false
  }

  #draw(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.isLive || this.#line === '' || this.#isMidLine) return
    const columns = process.stderr.columns || 80
    const shown =
      Bun.stringWidth(this.#line) < columns ? this.#line : Bun.sliceAnsi(this.#line, 0, columns - 1)
    void write(process.stderr, hide + shown)
    this.#isDrawn = true
    this.#drawnAt = performance.now()
  }
}
