// A profile as JSON and as a table.

#include <cstdarg>
#include <cstdio>

#include "check/profile/profile.h"

namespace lm {
namespace {

__attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return line;
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string json_row(const ProfileRow& row, double step) {
  const double ms = 1e3 * row.seconds;
  std::string out = format("{\"stage\":\"%s\",\"name\":\"%s\",", row.stage.c_str(), row.name.c_str());
  if (!row.path.empty())
    out += format("\"path\":\"%s\",\"shape\":\"%s\",", row.path.c_str(), row.shape.c_str());
  return out + format(
                   "\"pieces\":%ld,\"ms\":%.5g,\"share\":%.4f,\"bytesRead\":%.0f,\"bytesWritten\":%.0f,"
                   "\"GBs\":%.4g,\"flops\":%.0f,\"GFLOPs\":%.4g,\"boundMs\":%.5g}",
                   static_cast<long>(row.pieces), ms, share(row.seconds, step), row.cost.read,
                   row.cost.written, share(row.cost.bytes(), 1e9 * row.seconds), row.cost.flops,
                   share(row.cost.flops, 1e9 * row.seconds), 1e3 * row.bound);
}

std::string json_rows(const char* name, const std::vector<ProfileRow>& rows, double step) {
  std::string out = format("\"%s\":[", name);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) out += ",";
    out += json_row(rows[i], step);
  }
  return out + "]";
}

std::string sets_of(const Machine& machine, const char* before, const char* between) {
  std::string out;
  for (const std::string& set : machine.sets) {
    if (!out.empty()) out += between;
    out += before;
    out += set;
    out += before;
  }
  return out;
}

std::string json_machine(const Machine& m) {
  return format(
      "{\"processor\":\"%s\",\"sets\":[%s],\"threads\":%d,\"copyGBs\":%.4g,\"GFLOPs\":%.4g,"
      "\"bfloat16GFLOPs\":%.4g}",
      m.processor.c_str(), sets_of(m, "\"", ",").c_str(), m.threads, m.copy / 1e9, m.multiply / 1e9,
      m.multiply_half / 1e9);
}

std::string table_row(const ProfileRow& row, const std::string& name, double step) {
  return format("%-9s %-40s %6ld %10.3f %5.1f%% %10.2f %7.1f %9.3f %8.1f %9.3f %6.2f\n", row.stage.c_str(),
                name.c_str(), static_cast<long>(row.pieces), 1e3 * row.seconds,
                100 * share(row.seconds, step), row.cost.bytes() / 1e6,
                share(row.cost.bytes(), 1e9 * row.seconds), row.cost.flops / 1e9,
                share(row.cost.flops, 1e9 * row.seconds), 1e3 * row.bound, share(row.bound, row.seconds));
}

}  // namespace

std::string to_json(const Profile& profile, bool each) {
  const double step = profile.sum.seconds;
  std::vector<std::string> fields{format("\"machine\":%s", json_machine(profile.machine).c_str()),
                                  json_rows("kinds", profile.kinds, step),
                                  json_rows("stages", profile.stages, step)};
  if (each) fields.push_back(json_rows("pieces", profile.pieces, step));
  fields.push_back(format("\"sum\":%s", json_row(profile.sum, step).c_str()));
  std::string out = "{";
  for (const std::string& field : fields) {
    if (out.size() > 1) out += ",";
    out += field;
  }
  return out + "}";
}

std::string to_table(const Profile& profile, bool each) {
  const Machine& m = profile.machine;
  const double step = profile.sum.seconds;
  std::string out =
      format("%s (%s), threads: %d; copies %.1f GB/s, multiplies %.0f GFLOP/s, in bfloat16 %.0f GFLOP/s\n",
             m.processor.c_str(), sets_of(m, "", " ").c_str(), m.threads, m.copy / 1e9, m.multiply / 1e9,
             m.multiply_half / 1e9);
  out += format("%-9s %-40s %6s %10s %6s %10s %7s %9s %8s %9s %6s\n", "stage", "what", "pieces", "ms",
                "share", "MB", "GB/s", "GFLOP", "GFLOP/s", "bound, ms", "of it");
  if (each)
    for (const ProfileRow& row : profile.pieces)
      out += table_row(row, row.path.empty() ? row.name : row.path + ": " + row.name + " " + row.shape, step);
  for (const auto* rows : {&profile.kinds, &profile.stages}) {
    for (const ProfileRow& row : *rows) out += table_row(row, row.name, step);
    out += '\n';
  }
  return out + table_row(profile.sum, "a step", step);
}

}  // namespace lm
