#!/usr/bin/env node
import { nodeHost, nodeInvocation } from '@pallas/linux'
import { runSia } from './sia.ts'

process.exitCode = await runSia(nodeHost(), nodeInvocation(process))
