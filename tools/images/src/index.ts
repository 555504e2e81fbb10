export { type Architecture, type ImageSpec, type WrittenImage, writeArchive } from './archive.ts'
export { type DebianOptions, type DebianPackage, debianPackage, sha256Of } from './debian.ts'
export { ImagesError, type ImagesErrorCode } from './error.ts'
export { type Layer, type LayerEntry, writeLayer } from './layer.ts'
