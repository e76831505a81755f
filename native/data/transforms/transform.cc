#include "data/transforms/transform.h"

#include "data/transforms/ops.h"

namespace lm {
namespace {

template <typename Row>
const Row* find_row(std::span<const Row> rows, std::string_view kind) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.kind == kind; });
  return found == rows.end() ? nullptr : &*found;
}

std::unique_ptr<ImageOp> make_image_op(const Value& spec, const Normalisation& normalisation) {
  const std::string& kind = spec["kind"].text();
  for (const auto& rows :
       {flip_rows(), colour_rows(), affine_rows(), policy_rows(), auto_augment_rows(), erase_rows()})
    if (const OpRow* row = find_row(rows, kind)) return row->make(spec, normalisation);
  fail("ERR_CONFIG", "Unknown operation `", kind, "` on images");
}

bool is(const Value& spec, std::string_view kind) { return spec["kind"].text() == kind; }

// The nearest pixel is found by summing steps from the image's edge, as in Pillow, and a box takes a pixel in
// or not by the last bit of where its edge lies: no part of these stands alone.
bool is_smooth(const Value& resize) {
  const std::string& filter = resize["interpolation"].text();
  return filter != "nearest" && filter != "box";
}

// The operation at `i` if it is one that needs only a part; moves `i` to the last operation it stands for.
std::unique_ptr<DecodeOp> make_decode_op(const Value::List& ops, size_t& i) {
  if (is(ops[i], "resize") && i + 1 < ops.size() && is(ops[i + 1], "centerCrop") && is_smooth(ops[i])) {
    ++i;
    return make_resize_crop(ops[i - 1], ops[i]);
  }
  for (const auto& rows : {resize_rows(), crop_rows()})
    if (const DecodeRow* row = find_row(rows, ops[i]["kind"].text())) return row->make(ops[i]);
  return nullptr;
}

// An image between operations, given away as a whole: no pixel is copied.
class Held final : public PixelSource {
 public:
  explicit Held(Image& image) : image_(image), width_(image.width()), height_(image.height()) {}
  int width() const override { return width_; }
  int height() const override { return height_; }
  Box pixels(const Box& region, int, Image& out) override {
    std::swap(image_, out);
    return region;
  }

 private:
  Image& image_;
  int width_, height_;
};

// A crop or resize of an image that was decoded before.
class LaterCrop final : public ImageOp {
 public:
  explicit LaterCrop(std::unique_ptr<DecodeOp> op) : op_(std::move(op)) {}
  void apply(Rng& rng, TransformScratch& scratch) const override {
    Held image(scratch.image);
    op_->apply(image, rng, scratch);
  }

 private:
  std::unique_ptr<DecodeOp> op_;
};

}  // namespace

Transform::Transform(const Value& ops, const Normalisation& normalisation) {
  const Value::List& list = ops.list();
  for (size_t i = 0; i < list.size(); ++i) {
    const bool first = i == 0;
    std::unique_ptr<DecodeOp> crop = make_decode_op(list, i);
    if (crop == nullptr)
      rest_.push_back(make_image_op(list[i], normalisation));
    else if (first)
      first_ = std::move(crop);
    else
      rest_.push_back(std::make_unique<LaterCrop>(std::move(crop)));
  }
}

void Transform::apply(PixelSource& source, Rng& rng, TransformScratch& scratch) const {
  if (first_ != nullptr)
    first_->apply(source, rng, scratch);
  else
    source.pixels({0, 0, static_cast<double>(source.width()), static_cast<double>(source.height())}, 1,
                  scratch.image);
  for (const auto& op : rest_) op->apply(rng, scratch);
}

}  // namespace lm
