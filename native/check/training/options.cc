#include "check/training/options.h"

#include <charconv>

namespace lm {
namespace {

struct Row {
  const char *name, *standard, *help;
};

// A flag has no standard: it takes no value.
constexpr Row kRows[]{
    {"device", "cpu", "cpu or cuda"},
    {"threads", "1", "of the CPU"},
    {"batch", "16", "images of a step"},
    {"size", "32", "height and width of an image"},
    {"steps", "5", "of training"},
    {"chunk", "1", "steps between two waits for a device"},
    {"seed", "0", "of weights, images and draws"},
    {"dtype", "float32", "float32 or float64"},
    {"amp", "none", "none, bfloat16 or float16: type of convolutions and linear layers"},
    {"memory", "store", "store, recompute or reverse"},
    {"every", "1", "steps between two stored states, with --memory recompute"},
    {"off", "", "passes that plans are made without, such as fuse,own-kernels"},
    {"optimizer", "sgd", "sgd, adamw, lars or lamb"},
    {"lr", "0.1", "rate of learning"},
    {"momentum", "0.9", "of SGD and LARS; decay of the first moment of AdamW and LAMB"},
    {"weight-decay", "0", "of all parameters"},
    {"nesterov", nullptr, "Nesterov's momentum, of SGD and LARS"},
    {"benchmark", "0", "1: cuDNN chooses by time"},
    {"capture", "0", "1: steps on a device are recorded, and replayed"},
    {"profile", nullptr, "where the time of a step goes: in the JSON, and as a table on standard error"},
    {"each", nullptr, "of --profile: every piece of the step too"},
    {"turns", nullptr, "waits for a line on standard input, runs --steps, prints, and waits again"},
    {"write", "", "a folder: weights, pixels and labels are written there before the first step"},
    {"switches", nullptr, "names what --off knows"},
    {"help", nullptr, "prints this"},
};

template <typename T>
T parse_number(const std::string& name, const std::string& text, const char* what) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  LM_CHECK(error == std::errc() && end == text.data() + text.size(), "ERR_CONFIG", "Expected ", what,
           " for --", name, " but received ", text.empty() ? "nothing" : text);
  return value;
}

const Row& row_of(const std::string& word) {
  for (const Row& row : kRows)
    if (word == std::string("--") + row.name) return row;
  fail("ERR_CONFIG", "Unknown option ", word, "; lm-check --help names all");
}

}  // namespace

Options Options::parse(int argc, char** argv) {
  Options out;
  for (const Row& row : kRows) out.values_[row.name] = row.standard == nullptr ? "0" : row.standard;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("--", 0) != 0) {
      LM_CHECK(out.values_.try_emplace("graph", word).second, "ERR_CONFIG",
               "Expected one graph but received ", word, " too");
      continue;
    }
    const Row& row = row_of(word);
    LM_CHECK(row.standard == nullptr || i + 1 < argc, "ERR_CONFIG", "Expected a value behind ", word);
    out.values_[row.name] = row.standard == nullptr ? "1" : argv[++i];
  }
  LM_CHECK(out.has("help") || out.has("switches") || out.values_.count("graph") > 0, "ERR_CONFIG",
           "Expected a graph\n", usage());
  return out;
}

std::string Options::usage() {
  std::string out = "Usage: lm-check graph.json [options]\n";
  for (const Row& row : kRows) {
    std::string line = std::string("  --") + row.name;
    line.resize(18, ' ');
    out += line + row.help;
    if (row.standard != nullptr && *row.standard != '\0') out += std::string(" (") + row.standard + ")";
    out += '\n';
  }
  return out;
}

int64_t Options::integer(const std::string& name, int64_t least) const {
  const auto value = parse_number<int64_t>(name, text(name), "an integer");
  LM_CHECK(value >= least, "ERR_CONFIG", "Expected ", least, " or more for --", name, " but received ",
           value);
  return value;
}

double Options::number(const std::string& name) const {
  return parse_number<double>(name, text(name), "a number");
}

}  // namespace lm
