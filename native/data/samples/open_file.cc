#include "data/samples/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lm {
namespace {

FileStamp to_stamp(const struct stat& info) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return {static_cast<int64_t>(info.st_size), info.st_mtim.tv_sec * kNanoseconds + info.st_mtim.tv_nsec};
}

}  // namespace

bool stamp_of(const std::string& path, FileStamp& stamp) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return false;
  stamp = to_stamp(info);
  return true;
}

OpenFile::OpenFile(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    problem_ = std::strerror(errno);
    return;
  }
  // Looked at again when it is open, for it may be another by then; to open a FIFO then does not wait.
  if (S_ISREG(info.st_mode)) fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (S_ISREG(info.st_mode) && fd_ < 0)
    problem_ = std::strerror(errno);
  else if (fd_ < 0 || ::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode))
    problem_ = "not a regular file";
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

FileStamp OpenFile::stamp() const {
  struct stat info{};
  return ::fstat(fd_, &info) == 0 ? to_stamp(info) : FileStamp{-1, 0};
}

int64_t OpenFile::read(int64_t position, std::span<uint8_t> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(fd_, out.data() + done, out.size() - done, position + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<int64_t>(done);
}

}  // namespace lm
