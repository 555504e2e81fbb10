/** The same ones in the same order. */
export const sameTexts = (ones: readonly string[], others: readonly string[]): boolean =>
  ones.length === others.length && ones.every((text, index) => text === others[index])
