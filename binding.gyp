{
  # For node-gyp and prebuildify only: CMakeLists.txt is the build. Not published.
  'targets': [
    {
      'target_name': 'lm_resnet',
      'type': 'none',
      'actions': [
        {
          'action_name': 'cmake',
          'inputs': ['CMakeLists.txt', 'scripts/build.mjs'],
          'outputs': ['<(PRODUCT_DIR)/opener.node'],
          'action': ['node', 'scripts/build.mjs', '--target', 'opener,lm_resnet', '--out', '<(PRODUCT_DIR)'],
          'message': 'Building with CMake',
        },
      ],
    },
  ],
}
