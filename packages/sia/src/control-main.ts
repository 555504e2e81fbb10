#!/usr/bin/env node
import { nodeHost, nodeInvocation } from '@pallas/linux'
import { runControlSia } from './control/control-sia.ts'

process.exitCode = await runControlSia(nodeHost(), nodeInvocation(process))
