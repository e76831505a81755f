#include "core/graph/graph.h"

namespace lm {
namespace {

template <typename Specs>
int index_of(const Specs& specs, const std::string& path) {
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].path == path) return static_cast<int>(i);
  return -1;
}

}  // namespace

int64_t numel(const Sizes& shape) {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

int Graph::param_index(const std::string& path) const { return index_of(params, path); }

int Graph::buffer_index(const std::string& path) const { return index_of(buffers, path); }

}  // namespace lm
