#include "data/pictures/affine.h"

#include <cmath>
#include <numbers>

#include "data/transforms/window.h"

namespace lm {
namespace {

using OpPtr = std::unique_ptr<ImageOp>;

OpPtr rotation(const Value& spec, const Normalisation&) {
  return make_op(
      [degrees = spec["degrees"].number()](Rng&, TransformScratch& s) { rotate(s.image, s.other, degrees); });
}

template <void (*kShear)(Image&, Image&, double, const Reading&)>
OpPtr shear(const Value& spec, const Normalisation&) {
  const double tangent = std::tan(spec["degrees"].number() * std::numbers::pi / 180);
  return make_op([tangent](Rng&, TransformScratch& s) { kShear(s.image, s.other, tangent, {}); });
}

OpPtr translation_x(const Value& spec, const Normalisation&) {
  return make_op(
      [by = pixels_of(spec["pixels"])](Rng&, TransformScratch& s) { translate(s.image, s.other, by, 0); });
}

OpPtr translation_y(const Value& spec, const Normalisation&) {
  return make_op(
      [by = pixels_of(spec["pixels"])](Rng&, TransformScratch& s) { translate(s.image, s.other, 0, by); });
}

}  // namespace

std::span<const OpRow> affine_rows() {
  static constexpr OpRow rows[] = {
      {"rotate", rotation},          {"shearX", shear<shear_x>},    {"shearY", shear<shear_y>},
      {"translateX", translation_x}, {"translateY", translation_y},
  };
  return rows;
}

}  // namespace lm
