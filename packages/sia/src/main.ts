#!/usr/bin/env node
import { nodeHost, nodeInvocation } from '@pallas/linux'
import { nodeCompanions } from './node/companion-home.ts'
import { runSia } from './sia.ts'

process.exitCode = await runSia(nodeHost(), nodeInvocation(process), nodeCompanions({ process }))
