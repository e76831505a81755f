// Run by npm before it packs the root folder: that would be a package without a binary. A dry run may.
if (process.env.npm_config_dry_run !== 'true') {
  console.error(
    'The root folder is not what is published: it has no prebuilt binary. npm run release:pack -- --out DIR builds, verifies and writes the tarballs.',
  );
  process.exitCode = 1;
}
