// What the steps of a session draw: weights of mixes and streams of noise, their places in the table of the
// step, and what follows from a branch that is dropped.

#include <algorithm>
#include <utility>

#include "core/ops/mix.h"
#include "core/ops/op.h"
#include "core/run/draws.h"
#include "core/run/session.h"

namespace lm {
namespace {

size_t at_id(int id) { return static_cast<size_t>(id); }

bool draws_images(const Plan& plan, const Node& mix) {
  return plan.options.training && mix.as<MixAttributes>().per_image;
}

bool draws(const Plan& plan, const Node& node) {
  return plan.options.training && op_of(node).draws != nullptr && !op_of(node).draws(node).empty();
}

// For each branch a weight forwards and one backwards, and where they are drawn for images as many for each
// of these.
int64_t numbers_of_mix(const Plan& plan, const Node& node) {
  const int64_t images = draws_images(plan, node) ? plan.shapes[0][0] : 0;
  return 2 * static_cast<int64_t>(node.inputs.size()) * (1 + images);
}

}  // namespace

StepDraws step_draws_of(const Plan& plan) {
  StepDraws found;
  const int64_t images = plan.shapes[0][0];
  for (const Node& node : plan.graph.nodes) {
    if (draws(plan, node)) found.keys += images;
    if (node.op == OpKind::kMix) found.mixes += numbers_of_mix(plan, node);
  }
  if (found.mixes > 0) found.mixes += static_cast<int64_t>(plan.graph.buffers.size());
  return found;
}

// Every mix has its place in the table.
void Session::place_mixes() {
  const int64_t n = plan_.shapes[0][0];
  for (const Node& node : plan_.graph.nodes)
    if (node.op == OpKind::kMix) mix_numbers_ += numbers_of_mix(plan_, node);
  mix_numbers_there_ = at::zeros({mix_numbers_}, at::TensorOptions().device(arena_.device()).dtype(type_));
  int64_t at = 0;
  const auto next = [&](int64_t count) { return std::exchange(at, at + count); };
  for (size_t i = 0; i < mixes_.size(); ++i) {
    const Node& node = plan_.graph.nodes[i];
    if (node.op != OpKind::kMix) continue;
    MixWeights& w = mixes_[i];
    const auto branches = static_cast<int64_t>(node.inputs.size());
    const int64_t first = next(branches), second = next(branches);
    w.forward = table_.mixes(first, branches);
    w.backward = table_.mixes(second, branches);
    for (int64_t b = 0; b < branches; ++b) {
      w.forward_number.push_back(mix_numbers_there_.narrow(0, first + b, 1));
      w.backward_number.push_back(mix_numbers_there_.narrow(0, second + b, 1));
    }
    for (int64_t b = 0; draws_images(plan_, node) && b < branches; ++b) {
      const int64_t forward = next(n), backward = next(n);
      w.host_forward.push_back(table_.mixes(forward, n));
      w.host_backward.push_back(table_.mixes(backward, n));
      w.forward_images.push_back(table_.sent_mixes(forward, n));
      w.backward_images.push_back(table_.sent_mixes(backward, n));
    }
  }
}

void Session::place_keys() {
  const int64_t n = plan_.shapes[0][0];
  int64_t at = 0;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (!draws(plan_, plan_.graph.nodes[i])) continue;
    keys_[i] = {table_.keys(at, n), table_.sent_keys(at, n)};
    at += n;
  }
}

// Which tensor every number of the statistics is of, where a mix may drop what moves it.
void Session::own_statistics() {
  owner_.reset();
  if (mix_numbers_ == 0 || !plan_.options.training || buffers_->views.empty()) return;
  const at::Tensor owner = at::zeros({buffers_->flat.numel()}, at::kLong);
  for (size_t i = 0; i < buffers_->views.size(); ++i) {
    const at::Tensor& view = buffers_->views[i];
    owner.narrow(0, view.storage_offset(), view.numel()).fill_(static_cast<int64_t>(i));
  }
  owner_ = owner.to(arena_.device());
}

void Session::keep_statistics(const Weights& before) {
  if (!keeps_all_ || !owner_.defined()) return;
  const at::Tensor moves = table_.sent_mixes(mix_numbers_, static_cast<int64_t>(buffers_->views.size()));
  buffers_->flat.copy_(at::where(moves.index_select(0, owner_).ne(0), buffers_->flat, before.flat));
}

void Session::draw_keys() {
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i].host.empty()) continue;
    keys_[i].is_sent_alone = keeps_all_;
    const std::string name = op_of(plan_.graph.nodes[i]).draws(plan_.graph.nodes[i]);
    for (size_t image = 0; image < keys_[i].host.size(); ++image)
      keys_[i].host[image] = key_.image_stream(name, image).key();
  }
}

void Session::draw_mixes() {
  if (mix_numbers_ == 0) return;
  for (size_t i = 0; i < mixes_.size(); ++i) {
    const Node& node = plan_.graph.nodes[i];
    if (node.op != OpKind::kMix) continue;
    draw_mix(node, plan_.options.training, key_, plan_.drop_columns, mixes_[i]);
    mixes_[i].keeps_all = false;
  }
  mark_needed();
  if (keeps_all_) keep_all();
}

// Which statistics move goes to the device; a weight that all images share is given to each where others are
// drawn for images.
void Session::keep_all() {
  if (owner_.defined()) {
    const auto count = static_cast<int64_t>(buffers_->views.size());
    const std::span<double> moves = table_.mixes(mix_numbers_, count);
    for (size_t i = 0; i < needed_.size(); ++i)
      for (int buffer : plan_.graph.nodes[i].buffers) moves[at_id(buffer)] = needed_[i];
  }
  for (MixWeights& w : mixes_) {
    w.keeps_all = true;
    for (size_t b = 0; !w.per_image && b < w.host_forward.size(); ++b) {
      std::fill(w.host_forward[b].begin(), w.host_forward[b].end(), w.forward[b]);
      std::fill(w.host_backward[b].begin(), w.host_backward[b].end(), w.backward[b]);
    }
    w.per_image = !w.host_forward.empty();
  }
  std::fill(needed_.begin(), needed_.end(), 1);
}

// From the output down: what only a dropped branch reads is not computed.
void Session::mark_needed() {
  std::fill(needed_.begin(), needed_.end(), 0);
  needed_[at_id(plan_.graph.output)] = 1;
  for (size_t i = needed_.size(); i-- > 0;) {
    if (!needed_[i]) continue;
    const Node& node = plan_.graph.nodes[i];
    for (size_t j = 0; j < node.inputs.size(); ++j)
      if (node.op != OpKind::kMix || !mixes_[i].drops(j)) needed_[at_id(node.inputs[j])] = 1;
  }
}

}  // namespace lm
