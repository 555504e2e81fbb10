export { mountNamespaces, type Namespace } from './namespaces.ts'
export { actsAsAnybody } from './users.ts'
