/**
 * What the engine uses of WebAssembly (https://webassembly.github.io/spec/js-api/): neither the language's library nor Node's types
 * declare it.
 */
declare namespace WebAssembly {
  type Module = object;
  type Instance = object;
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module, imports: object): Promise<Instance>;
}
