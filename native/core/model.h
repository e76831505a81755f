// A network with its weights on a device. Used by the compute thread alone.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/graph/graph.h"
#include "core/plan/plan.h"
#include "core/run/session.h"
#include "core/value.h"
#include "core/weights.h"

namespace lm {

struct ModelOptions {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::optional<uint64_t> seed = 0;  // none: parameters stay zero, to be written
};

struct VjpOptions {
  bool training = false;
  uint64_t seed = 0;  // of what a training pass draws
  Memory memory = Memory::kStore;
  int every = 1;
  Precision precision = Precision::kOwn;
  bool plain = false;  // by libtorch's functions alone
};

struct Vjp {
  at::Tensor output, input_gradient;
};

struct CopySpec {
  std::string from = "value", into = "value";  // sets
  // Paths there, by those here; none: all tensors that the sets have, by their own paths.
  std::optional<std::map<std::string, std::string>> paths;
};

// What plans of such a model are made for.
PlanTarget target_of(const ModelOptions& model, const PlanOptions& plan);

// Indices into the graph's parameters.
std::vector<int> parameters_of(const Value& list, const Graph& graph);

class Model {
 public:
  Model(Graph graph, const ModelOptions& options);

  const Graph& graph() const { return graph_; }
  const at::TensorOptions& options() const { return options_; }
  int64_t classes() const { return classes_; }
  int64_t bytes() const;

  // x = (pixel / 255 - mean) / std: uint8 [n, h, w, c] on any device -> x [n, c, h, w] of the model's.
  void normalise(const at::Tensor& pixels, const at::Tensor& x) const;
  // The logits [n, classes], with the weights and statistics of a set, "value" or "ema".
  at::Tensor predict(const at::Tensor& pixels, const std::string& weights, Precision precision);
  // The same where the session has put them: until the next step of any session.
  const at::Tensor& logits(const at::Tensor& pixels, const std::string& weights, Precision precision);
  Vjp vjp(const at::Tensor& x, const std::optional<at::Tensor>& cotangent, const VjpOptions& options);
  // Values of nodes, by id, in an evaluation of pixels.
  std::vector<at::Tensor> probe(const at::Tensor& pixels, const std::vector<int64_t>& nodes);

  // Runs images of one size in one mode; kept for the next time.
  Session& session(int64_t n, int64_t height, int64_t width, const PlanOptions& options);
  int64_t arena_bytes() const { return arena_.bytes(); }
  // Parameter-shaped tensors by name: "value", "gradient", "momentum", "secondMoment", "ema"; made on first
  // use, zero.
  Weights& set(const std::string& name);
  Weights& values() { return set("value"); }
  // Running statistics, of the sets "value" and "ema".
  Weights& buffers(const std::string& set_name = "value");

  // Contiguous, in the shape of the description, on the CPU. Buffers are in the sets "value" and "ema".
  at::Tensor read(const std::string& path, const std::string& set_name);
  void write(const std::string& path, const std::string& set_name, const at::Tensor& values);
  // Every tensor of a set becomes `value`.
  void fill(const std::string& set_name, double value);
  // Tensors of a set of a model (this one, or another) become those of a set of this one, on the device.
  void copy(Model& from, const CopySpec& spec);

 private:
  at::Tensor& find(const std::string& path, const std::string& set_name);
  at::Tensor& find_made(const std::string& path, const std::string& set_name);
  void changed(const std::string& set_name);
  void initialise(uint64_t seed);

  Graph graph_;
  at::TensorOptions options_;
  int64_t classes_ = 0;
  std::map<std::string, Weights> sets_, buffer_sets_;
  std::vector<double> scale_, shift_;  // per channel: x = pixel · scale + shift
  struct Mode {
    int64_t n, height, width;
    PlanOptions options;
    auto operator<=>(const Mode&) const = default;
  };
  // Throws ERR_CONFIG where a model that is not of float32 is to run in a half type.
  Plan make_plan(const Mode& mode) const;
  at::ScalarType type() const { return options_.dtype().toScalarType(); }

  Arena arena_;
  Packs packs_;
  std::map<Mode, std::unique_ptr<Session>> sessions_;
  uint64_t sessions_made_ = 0;
};

}  // namespace lm
