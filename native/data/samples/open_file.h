// Regular files that are open for reading. FIFOs and devices are never opened: that may wait for ever, or do
// something.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lm {

// What tells that a file is the one that it was: it has changed where one of these has.
struct FileStamp {
  int64_t bytes = 0;
  int64_t modified = 0;  // nanoseconds since 1970
  bool operator==(const FileStamp&) const = default;
};

// Of the file that has this path now; false where there is none.
bool stamp_of(const std::string& path, FileStamp& stamp);

class OpenFile {
 public:
  explicit OpenFile(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  // Why there is none; empty where it is open.
  const std::string& problem() const { return problem_; }
  FileStamp stamp() const;  // as it is now
  // Fills `out` from a position. Returns how many bytes there were, fewer where the file ends; -1, with
  // errno, where it cannot be read.
  int64_t read(int64_t position, std::span<uint8_t> out) const;

 private:
  int fd_ = -1;
  std::string problem_;
};

}  // namespace lm
