export { mountNamespaces, type Namespace } from './namespaces.ts'
