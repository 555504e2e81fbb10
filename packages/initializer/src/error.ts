/** There are no templates to inject. `problems` holds one sentence for each thing that is wrong with them. */
export class TemplatesError extends Error {
  override readonly name = 'TemplatesError'
  readonly code = 'TEMPLATES_INVALID'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the templates cannot be used: ${problems.join('; ')}`)
    this.problems = problems
  }
}
