import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['libs/*', 'packages/*', 'tools/*'],
    passWithNoTests: true,
    reporters: ['default', './tools/check/src/closing-line.ts'],
  },
})
