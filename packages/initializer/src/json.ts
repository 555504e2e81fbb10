/** Objects as the API server writes them. */
export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** An own field, so that a name out of a prototype is never found. */
export const fieldOf = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

/** A part of a pod that its own list knows by name: a container or a volume. */
export type Named = Fields & { readonly name: string }

export const isNamed = (value: unknown): value is Named => isFields(value) && typeof fieldOf(value, 'name') === 'string'
