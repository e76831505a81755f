#include "core/run/session.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/allocator.h"
#include "core/device.h"
#include "core/ops/op.h"
#include "core/run/draws.h"

namespace lm {
namespace {

size_t at_id(int id) { return static_cast<size_t>(id); }

}  // namespace

// Runs one op; an error of libtorch's comes out as ours, with the layer's path and without the backtrace.
void Session::guard(const Node& node, const std::function<void()>& work) {
  const size_t live = memory_use().live;
  try {
    work();
  } catch (const c10::Error& e) {
    const char* code = code_of(e);
    if (code == std::string_view("ERR_DEVICE")) throw;  // whichever op it was that failed
    fail(code, node.path, " (", op_of(node).name, "): ", e.what_without_backtrace());
  }
  const size_t now = memory_use().live;
  if (now > live) stray_bytes_ += now - live;
}

Session::Session(Plan plan, Arena& arena, at::ScalarType type, Packs* packs, uint64_t number)
    : plan_(std::move(plan)),
      arena_(arena),
      type_(type),
      number_(number),
      packs_(plan_.options.pack ? packs : nullptr),
      table_(arena.device(), step_draws_of(plan_)),
      mixes_(plan_.graph.nodes.size()),
      keys_(plan_.graph.nodes.size()),
      needed_(plan_.graph.nodes.size(), 1),
      absent_(plan_.slots(), 0),
      zeroed_(plan_.slots(), 0),
      has_grad_(plan_.graph.nodes.size(), 0) {
  place_mixes();
  place_keys();
}

at::ScalarType Session::half_type() const {
  return plan_.options.precision == Precision::kFloat16 ? at::kHalf : at::kBFloat16;
}

at::ScalarType Session::type_of(PlannedTensor::Type type) const {
  if (type == PlannedTensor::Type::kIndex) return at::kLong;
  return type == PlannedTensor::Type::kOwn ? type_ : half_type();
}

// Tensors over the places of the arena as it is now.
void Session::lay_out() {
  char* const base = arena_.reserve(plan_.bytes, plan_.shapes[0]);
  if (base == base_) return;
  base_ = base;
  ++layout_;
  tensors_.clear();
  tensors_.reserve(plan_.tensors.size());
  for (const PlannedTensor& t : plan_.tensors) {
    if (t.view_of >= 0) {
      const Node& node = plan_.node(t.view_node);
      tensors_.push_back(op_of(node).view(node, tensor(t.view_of)));
      continue;
    }
    Sizes strides(t.shape.size(), 1);
    for (size_t i = t.shape.size(); i-- > 1;) strides[i - 1] = strides[i] * t.shape[i];
    if (t.shape.size() == 4)
      strides = {t.shape[1] * t.shape[2] * t.shape[3], 1, t.shape[3] * t.shape[1], t.shape[1]};
    tensors_.push_back(at::from_blob(base + t.offset, t.shape, strides,
                                     at::TensorOptions().device(arena_.device()).dtype(type_of(t.type))));
  }
  weights_ = nullptr;  // frames are made anew
}

void Session::bind(const Weights& weights, Weights& buffers) {
  const bool same = weights_ == &weights && views_[0] == weights.views.data();
  if (same && buffers_ == &buffers && views_[1] == buffers.views.data()) return;
  weights_ = &weights;
  buffers_ = &buffers;
  views_ = {weights.views.data(), buffers.views.data()};
  ++layout_;
  own_statistics();
  if (!same) {
    if (plan_.options.precision != Precision::kOwn) half_ = weights.copy(half_type());
    coefficients_.emplace(plan_.graph, weights);
    version_ = weights.version - 1;
  }
  forward_ = frames_of(plan_.forward);
  backward_ = frames_of(plan_.backward);
}

std::vector<Frame> Session::frames_of(const std::vector<Call>& calls) const {
  std::vector<Frame> frames;
  frames.reserve(calls.size());
  for (const Call& call : calls) frames.push_back(frame_of(call));
  return frames;
}

Frame Session::frame_of(const Call& call) const {
  const Node& node = plan_.node(call.node);
  const bool own = node.precision == Precision::kOwn;
  Frame f(node, plan_.graph, kernels_for(arena_.device(), own ? type_ : half_type(), plan_.options.plain));
  const auto there = [&](int i) { return i < 0 ? nullptr : &tensor(i); };
  f.training_ = plan_.options.training;
  f.recomputing_ = call.kind == Call::Kind::kAgain;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    f.inputs_.push_back(there(call.inputs[i]));
    f.input_shapes_.push_back(&plan_.shapes[at_id(node.inputs[i])]);
  }
  f.absent_.assign(call.inputs.size(), 0);
  f.output_ = there(call.output);
  for (int i : call.kept) f.kept_.push_back(tensor(i));
  for (int p : node.params) {
    f.params_.push_back(&weights_->views[at_id(p)]);
    f.weights_.push_back(own ? f.params_.back() : &half_.views[at_id(p)]);
  }
  for (int b : node.buffers) f.buffers_.push_back(&buffers_->views[at_id(b)]);
  for (int c : node.coefs) f.coefs_.push_back(&coefficients_->at(c));
  if (packs_ != nullptr) f.packed_ = &packs_->at(call.node);
  if (at_id(call.node) < mixes_.size()) f.mix_ = &mixes_[at_id(call.node)];
  if (at_id(call.node) < keys_.size()) f.keys_ = &keys_[at_id(call.node)];
  f.ranks_ = &ranks_;
  f.grad_ = there(call.grad);
  f.inner_grad_ = there(call.inner_grad);
  f.grads_.assign(call.inputs.size(), nullptr);
  f.befores_ = f.grads_;
  f.param_grads_.assign(node.params.size(), nullptr);
  return f;
}

void Session::begin(const Weights& weights, Weights& buffers, const DrawKey& key) {
  prepare(weights, buffers, key, false);
  load();
}

void Session::prepare(const Weights& weights, Weights& buffers, const DrawKey& key, bool keeps_all) {
  lay_out();
  bind(weights, buffers);
  is_stale_ = version_ != weights.version;
  version_ = weights.version;
  key_ = key;
  keeps_all_ = keeps_all;
  draw_keys();
  draw_mixes();
  table_.send();
}

void Session::load() {
  std::fill(absent_.begin(), absent_.end(), 0);
  std::fill(zeroed_.begin(), zeroed_.end(), 0);
  std::fill(has_grad_.begin(), has_grad_.end(), 0);
  stray_bytes_ = 0;
  // Work that is recorded is done again, when the weights have changed.
  const bool is_stale = is_stale_ || keeps_all_;
  if (is_stale || plan_.options.backward) coefficients_->evaluate();
  if (is_stale && plan_.options.precision != Precision::kOwn) half_.flat.copy_(weights_->flat);
  if (keeps_all_ && mix_numbers_ > 0) mix_numbers_there_.copy_(table_.sent_mixes(0, mix_numbers_));
  if (packs_ != nullptr && packs_->renew(*weights_)) pack();
}

void Session::pack() {
  for (size_t i = 0; i < forward_.size(); ++i) {
    const Op& op = op_of(forward_[i].node);
    if (op.pack != nullptr) packs_->at(plan_.forward[i].node) = op.pack(forward_[i]);
  }
}

bool Session::is_needed(int id) const { return at_id(id) >= needed_.size() || needed_[at_id(id)]; }

// What is absent is zero for whoever cannot leave it out.
void Session::fill_absent(Frame& frame, const Call& call) {
  const bool leaves_out = op_of(frame.node).leaves_out_absent;
  for (size_t j = 0; j < call.inputs.size(); ++j) {
    const size_t slot = at_id(frame.node.inputs[j]);
    frame.absent_[j] = absent_[slot];
    if (!absent_[slot] || leaves_out || zeroed_[slot] || call.inputs[j] < 0) continue;
    tensor(call.inputs[j]).zero_();
    zeroed_[slot] = 1;
  }
}

void Session::run(const Call& call, Frame& frame) {
  if (!is_needed(call.node)) return;
  fill_absent(frame, call);
  const Op& op = op_of(frame.node);
  frame.left_out_ = false;
  if (op.view == nullptr) guard(frame.node, [&] { op.forward(frame); });
  const size_t slot = at_id(call.node);
  absent_[slot] = frame.left_out_;
  zeroed_[slot] = 0;
  if (call.target >= 0) {
    absent_[at_id(call.target)] = frame.left_out_;
    zeroed_[at_id(call.target)] = 0;
  }
  if (watching_ && !frame.left_out_) look(tensor(call.output), frame.node);
}

const at::Tensor& Session::forward(const Observer& seen) {
  for (size_t i = 0; i < plan_.forward.size(); ++i) {
    run(plan_.forward[i], forward_[i]);
    if (seen) seen({Piece::Kind::kForward, &plan_.forward[i]});
  }
  const at::Tensor& output = tensor(plan_.output);
  if (absent_[at_id(plan_.graph.output)]) output.zero_();
  return output;
}

void Session::look(const at::Tensor& tensor, const Node& node) {
  if (not_finite_.empty() && !at::isfinite(tensor).all().item<bool>()) not_finite_ = node.path;
}

}  // namespace lm
