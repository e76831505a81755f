// Elementwise noise: dropout, and Gaussian noise.

#include <cmath>

#include "core/ops/attributes.h"
#include "core/ops/frame.h"
#include "core/ops/op.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

struct DropoutAttributes final : Attributes {
  double p = 0;
  std::string group;
};

struct GaussianAttributes final : Attributes {
  double std = 0;
  std::string group;
};

std::shared_ptr<const Attributes> parse_dropout(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<DropoutAttributes>();
  reader.part("p", a->p, std::nextafter(1.0, 0.0));
  reader.read("group", a->group);
  return a;
}

std::shared_ptr<const Attributes> parse_gaussian(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<GaussianAttributes>();
  reader.part("std", a->std, 1e6);
  reader.read("group", a->group);
  return a;
}

std::string dropout_draws(const Node& node) {
  const auto& a = node.as<DropoutAttributes>();
  return a.p == 0 ? "" : "dropout:" + a.group;
}

std::string gaussian_draws(const Node& node) {
  const auto& a = node.as<GaussianAttributes>();
  return a.std == 0 ? "" : "noise:" + a.group;
}

std::vector<KeptTensor> dropout_keeps(const Node&, const Sizes&, const Sizes& output) {
  return {{output, KeptTensor::Type::kValue}};
}

bool drops(const Frame& f) { return f.training() && f.node.as<DropoutAttributes>().p != 0; }

void dropout_forward(Frame& f) {
  Tensor out = f.output();
  if (!drops(f)) {
    out.copy_(f.input());
    return;
  }
  const auto& a = f.node.as<DropoutAttributes>();
  f.kernels.dropout_mask(f.draw_keys(), a.p, f.kept(0));
  at::mul_out(out, f.input(), f.kept(0));
}

void dropout_backward(Frame& f) {
  Tensor out = f.grad_of();
  if (drops(f))
    at::mul_out(out, f.grad(), f.kept(0));
  else
    out.copy_(f.grad());
}

void gaussian_forward(Frame& f) {
  const auto& a = f.node.as<GaussianAttributes>();
  if (!f.training() || a.std == 0) {
    f.output().copy_(f.input());
    return;
  }
  f.kernels.gaussian(f.draw_keys(), a.std, f.output());
  f.output().add_(f.input());
}

bool passes(const Node&, const Graph&, size_t) { return true; }

void nothing(Frame&) {}

}  // namespace

extern const Op dropout_op, gaussian_noise_op;

constinit const Op dropout_op{.kind = OpKind::kDropout,
                              .name = "dropout",
                              .parse = parse_dropout,
                              .shape = same_shape,
                              .keeps = dropout_keeps,
                              .draws = dropout_draws,
                              .forward = dropout_forward,
                              .backward = dropout_backward};

constinit const Op gaussian_noise_op{.kind = OpKind::kGaussianNoise,
                                     .name = "gaussianNoise",
                                     .parse = parse_gaussian,
                                     .shape = same_shape,
                                     .draws = gaussian_draws,
                                     .passes = passes,
                                     .forward = gaussian_forward,
                                     .backward = nothing};

}  // namespace lm
