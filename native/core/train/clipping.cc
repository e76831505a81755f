#include "core/train/clipping.h"

namespace lm {
namespace {

// Of what makes one output: a row of a matrix, a kernel; of all numbers where there is one dimension.
at::Tensor unit_norm(const at::Tensor& t) {
  if (t.dim() <= 1) return at::linalg_vector_norm(t);
  std::vector<int64_t> inputs;
  for (int64_t d = 1; d < t.dim(); ++d) inputs.push_back(d);
  return at::linalg_vector_norm(t, 2, inputs, /*keepdim=*/true);
}

void clip_adaptively(const at::Tensor& weight, at::Tensor gradient, double limit) {
  constexpr double kSmallestWeight = 1e-3, kSmallestGradient = 1e-6;  // timm's
  const at::Tensor largest = unit_norm(weight).clamp_min_(kSmallestWeight).mul_(limit);
  const at::Tensor norm = unit_norm(gradient);
  const at::Tensor factor = largest / norm.clamp_min(kSmallestGradient);
  gradient.mul_(at::where(norm < largest, at::ones_like(factor), factor));
}

}  // namespace

ClipSpec ClipSpec::parse(const Value& spec, const Graph& graph) {
  const std::string& mode = spec["mode"].text();
  LM_CHECK(mode == "norm" || mode == "value" || mode == "agc", "ERR_CONFIG", "Unknown mode of clipping \"",
           mode, "\"");
  ClipSpec out;
  out.mode = mode == "norm" ? Mode::kNorm : mode == "value" ? Mode::kValue : Mode::kAdaptive;
  out.limit = spec["limit"].number();
  LM_CHECK(out.limit > 0, "ERR_CONFIG", "Expected `limit` above 0 but received ", out.limit);
  out.params = parameters_of(spec["params"], graph);
  return out;
}

void clip_gradients(Model& model, const ClipSpec& spec) {
  const Weights& gradients = model.set("gradient");
  const at::Tensor& all = gradients.flat;
  switch (spec.mode) {
    case ClipSpec::Mode::kNone:
      return;
    case ClipSpec::Mode::kNorm: {
      constexpr double kSmallest = 1e-6;  // torch.nn.utils.clip_grad_norm_'s
      all.mul_((spec.limit / (at::linalg_vector_norm(all) + kSmallest)).clamp_max_(1));
      return;
    }
    case ClipSpec::Mode::kValue:
      all.clamp_(-spec.limit, spec.limit);
      return;
    case ClipSpec::Mode::kAdaptive:
      for (int i : spec.params)
        clip_adaptively(model.values().views[static_cast<size_t>(i)], gradients.views[static_cast<size_t>(i)],
                        spec.limit);
  }
}

}  // namespace lm
