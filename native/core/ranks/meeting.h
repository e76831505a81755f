// How ranks find each other: in a round of their own at the store, which rank 0 opens.
#pragma once

#include <string>
#include <vector>

#include "core/ranks/store.h"

namespace lm {

// Waits until all ranks have come; their part of the store. Throws ERR_RANKS, naming those that have not.
StorePtr meet(const RanksOptions& options);

// Names of the host of the store, this rank's first: those of others where it is told "localhost", for it may
// be this host, and others elsewhere.
std::vector<std::string> hosts_of(c10d::Store& store, const RanksOptions& options);

}  // namespace lm
