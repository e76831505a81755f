// The store that ranks meet at: what they say of themselves, and who is still there.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "core/ranks/ranks.h"

namespace lm {

using StorePtr = c10::intrusive_ptr<c10d::Store>;

// Connects to the store, or hosts it. Throws ERR_RANKS.
StorePtr open_store(const RanksOptions& options);

// Waits for a key of every rank, until a deadline at most, or until `given_up` says so: those that have none.
// Throws what the store throws.
std::set<int> missing_ranks(
    c10d::Store& store, const std::string& prefix, int world, std::chrono::steady_clock::time_point deadline,
    const std::function<bool()>& given_up = [] { return false; });

void set_text(c10d::Store& store, const std::string& key, const std::string& text);
std::string text_at(c10d::Store& store, const std::string& key);

// What is to be said where the store, which rank 0 or the agent beside it hosts, does not answer.
std::string store_lost(const RanksOptions& options, const std::string& reason);

// "rank 3", "ranks 1, 2 and 5": the first few of them.
std::string names_of(const std::set<int>& ranks);

}  // namespace lm
