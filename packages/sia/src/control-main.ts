#!/usr/bin/env node
import { nodeHost, nodeInvocation } from '@pallas/linux'
import { runControlSia } from './control-sia.ts'

process.exitCode = await runControlSia(nodeHost(), nodeInvocation(process))
