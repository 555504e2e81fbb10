/** What `athenz-initializer render-policy` can be told. */
import { list, name, path, program as define, setting, type SettingsOf, text } from '@pallas/config'
import { injectionSettings, isName, toleranceProblems } from '../settings.ts'

export const policyProgram = define({
  name: 'athenz-initializer render-policy',
  envPrefix: 'INITIALIZER',
  summary: 'Writes the templates as policies of the API server (1.36 or later) to stdout: the same pods, with no webhook running.',
  schema: {
    templates: setting(path, {
      required: true,
      doc: 'File with the templates: a manifest of the ConfigMap, or the YAML under its key `init-config`.',
    }),
    policyName: setting(text, { default: 'athenz-initializer', doc: 'Name of the policies and their bindings.' }),
    exceptNamespaces: setting(list(name), { default: 'k8s-admin,kube-system', doc: 'Namespaces whose pods are left alone.' }),
    ...injectionSettings,
  },
  check: ({ policyName, exceptNamespaces, ...tolerance }) => [
    ...(isName(policyName) ? [] : ['--policy-name must be the name of a policy']),
    ...(exceptNamespaces.length > 0 && exceptNamespaces.every(isName) ? [] : ['--except-namespaces must be names of namespaces, that of the suite among them']),
    ...toleranceProblems(tolerance),
  ],
})

export type PolicySettings = SettingsOf<typeof policyProgram>
