/**
 * The one direction of imports: schemas ← core ← platform ← mcp ← { servers, coordinator } ← cli.
 * Each folder of ours lists all it may import besides itself; what is not listed is refused.
 */
const mayImport = {
  schemas: [],
  core: ['schemas'],
  platform: ['schemas', 'core'],
  mcp: ['schemas', 'core', 'platform'],
  servers: ['schemas', 'core', 'platform', 'mcp'],
  coordinator: ['schemas', 'core', 'platform', 'mcp'],
  cli: ['schemas', 'core', 'platform', 'mcp', 'servers', 'coordinator'],
  stubs: [],
};

const folders = Object.keys(mayImport);

const layers = folders.map((folder) => ({
  name: `${folder}-imports-only-${['itself', ...mayImport[folder]].join('-')}`,
  comment: 'Turn the dependency round, or move the shared part down a layer (ARCHITECTURE.md).',
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: `^(${folders.concat('test', 'scripts').join('|')})/`,
    pathNot: `^(${[folder, ...mayImport[folder]].join('|')})/`,
  },
}));

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'no-cycle',
      comment: 'Two files that need each other are one idea, or want a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-is-pure',
      comment: 'core/ decides; clock, ids, randomness and I/O are arguments.',
      severity: 'error',
      from: { path: '^(core|schemas)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-unresolved-import',
      comment: 'The file or package does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-package-in-the-product',
      comment: 'Move it to "dependencies", or do without.',
      severity: 'error',
      from: { path: `^(${folders.join('|')})/` },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
