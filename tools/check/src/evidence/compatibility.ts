/** The lines of the original's contract, and where we leave it on purpose. */
export interface ContractLine {
  readonly keeps: string
  /** Numbers of the decisions (`docs/adr`) that deviate. */
  readonly deviations: readonly number[]
}

export const CONTRACT: Readonly<Record<`C${number}`, ContractLine>> = {
  C1: { keeps: 'the seven programs, their roles and names (`athenz-identityd` is the callback’s other name)', deviations: [6] },
  C2: { keeps: 'FlexVolume: `init`, `mount`, `unmount`; `Success`, `Failure`, `Not supported`; `attach: false`; option keys; exit 0; JSON on stdout only', deviations: [28] },
  C3: { keeps: 'host paths, the volume tree, handles of 43 characters, `id` and `connect/agent.sock` in the pod, `data.json`', deviations: [9, 14] },
  C4: { keeps: 'agent API: `POST /v1/init/<id>`, `POST /v1/refresh/<id>`, field names, base64 of PEM', deviations: [8, 13] },
  C5: { keeps: 'JWT service: `POST /v1/jwt` with a subject, mutual TLS, `--identity-cn`', deviations: [11] },
  C6: { keeps: 'the document: header `iss`, claims, audience, subject URI, key files `<name>.v<N>`, the newest signs', deviations: [12] },
  C7: { keeps: 'the CSR: common name, two DNS names, the pod’s address, one URI', deviations: [10] },
  C8: { keeps: 'the calls of ZTS, the InstanceConfirmation, `Athenz-Principal-Auth`, principal tokens', deviations: [16] },
  C9: { keeps: 'the callback’s chain of checks; `/identity` beside `/instance` and `/refresh`', deviations: [12, 17] },
  C10: { keeps: 'name mapping, configuration keys, flags, variables, defaults, `init-config`, annotation, injected names, output paths, `service.key` and `service.version`', deviations: [15, 18] },
  C11: { keeps: 'SIA modes: `init` ends, `refresh` goes on', deviations: [8, 15] },
}
