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
          'outputs': ['<(PRODUCT_DIR)/opener.node', '<(PRODUCT_DIR)/lm_resnet.so'],
          'action': ['node', 'scripts/build.mjs', '--out', '<(PRODUCT_DIR)'],
          'message': 'Building with CMake',
        },
      ],
    },
  ],
}
