export { type Files, type Material, makeMaterial, trialWorld } from './material.ts'
export { type Manifest, render, type Rendered, type RenderOptions, split, toYaml } from './render.ts'
export { type Right, RIGHTS } from './rights.ts'
