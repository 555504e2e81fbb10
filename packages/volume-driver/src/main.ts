#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { endProcess, nodeHost, nodeInvocation } from '@pallas/linux'
import { runDriver } from './run.ts'

// The kubelet reads stdout and stderr as one document: whatever Node has to say about itself would spoil the answer.
process.removeAllListeners('warning')
try {
  await runDriver(nodeHost(), nodeInvocation(process))
} finally {
  // The kubelet also waits for the end of the process, and a call that hangs would keep an ordinary end waiting.
  endProcess(0)
}
