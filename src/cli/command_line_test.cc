#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/help.h"

namespace dbb::cli {
namespace {

using testing::HasSubstr;

// A command that says what it was given, beside the real ones.
class Probe final : public Command {
 public:
  CommandHelp help() const override {
    return {.path = {"probe", "deep"}, .operation = "Probe", .summary = "s", .description = "d"};
  }
  OptionList options() override {
    return {.arguments = {{.name = "NAME", .description = "a name", .target = &name}},
            .options = {{.names = "-j,--jobs", .value = "N", .description = "workers", .target = &jobs},
                        {.names = "--wait", .value = "SECONDS", .description = "wait", .target = &wait},
                        {.names = "--old",
                         .value = "WHAT",
                         .description = "old",
                         .target = &old,
                         .choices = {"drop", "keep"}},
                        {.names = "--confirm", .value = "", .description = "go", .target = &confirm}}};
  }
  Outcome run(Context&) override { return {}; }

  std::optional<std::string> name;
  std::optional<int> jobs;
  std::optional<std::chrono::seconds> wait;
  std::optional<std::string> old;
  bool confirm = false;
};

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() : commands_(all_commands()) {
    auto probe = std::make_unique<Probe>();
    probe_ = probe.get();
    commands_.push_back(std::move(probe));
  }

  ParsedCommandLine parse(std::vector<std::string> words) {
    return parse_command_line(commands_, std::move(words));
  }

  Error error_of(std::vector<std::string> words) {
    try {
      parse(std::move(words));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::kInternal, {.message = ""});
  }

  CommandList commands_;
  Probe* probe_ = nullptr;
};

TEST_F(CommandLineTest, OptionsMayStandBeforeAndAfterTheCommand) {
  const auto parsed = parse({"-h", "db1", "--json", "probe", "-p", "5433", "deep", "app", "-j", "3", "-U",
                             "me", "--confirm", "--repository=/srv", "--wait", "7", "-dpostgres"});
  EXPECT_EQ(parsed.command, probe_);
  EXPECT_EQ(parsed.global.host, "db1");
  EXPECT_EQ(parsed.global.port, "5433");
  EXPECT_EQ(parsed.global.user, "me");
  EXPECT_EQ(parsed.global.database, "postgres");
  EXPECT_EQ(parsed.global.repository, "/srv");
  EXPECT_TRUE(parsed.global.json);
  EXPECT_EQ(probe_->name, "app");
  EXPECT_EQ(probe_->jobs, 3);
  EXPECT_EQ(probe_->wait, std::chrono::seconds(7));
  EXPECT_TRUE(probe_->confirm);
}

TEST_F(CommandLineTest, ADatabaseMayHaveTheNameOfACommand) {
  for (const char* name : {"list", "probe", "cluster", "deep", "help"}) {
    parse({"probe", "deep", name});
    EXPECT_EQ(probe_->name, name);
  }
}

TEST_F(CommandLineTest, OddNamesAreTakenAsTheyAre) {
  for (const char* name : {"a b", "a=b", "größe", "[x]", "\"q\"", "{x}", "a,b", "%~"}) {
    parse({"probe", "deep", name});
    EXPECT_EQ(probe_->name, name);
  }
  parse({"probe", "deep", "--", "-dash"});
  EXPECT_EQ(probe_->name, "-dash");
}

TEST_F(CommandLineTest, WhatIsNotTypedStaysUnset) {
  parse({"probe", "deep", "app"});
  EXPECT_FALSE(probe_->jobs || probe_->wait || probe_->old);
  EXPECT_FALSE(probe_->confirm);
}

TEST_F(CommandLineTest, TheLastOfAnOptionWins) {
  parse({"probe", "deep", "app", "-j", "3", "--jobs", "4"});
  EXPECT_EQ(probe_->jobs, 4);
}

TEST_F(CommandLineTest, MinusHIsTheHostAndHelpHasItsOwnNames) {
  EXPECT_FALSE(parse({"list", "-h", "db1"}).wants_help);
  for (const char* name : {"--help", "-?"}) {
    const auto parsed = parse({"restore", "cluster", name});
    EXPECT_TRUE(parsed.wants_help);
    EXPECT_THAT(parsed.help_path, testing::ElementsAre("restore", "cluster"));
  }
  EXPECT_TRUE(parse({}).wants_help);
  EXPECT_THAT(parse({"backup", "--help"}).help_path, testing::ElementsAre("backup"));
  EXPECT_TRUE(parse({"--version"}).wants_version);
}

TEST_F(CommandLineTest, ACommandThatLacksItsLastWordIsAUsageErrorThatSaysWhichThereAre) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"backup", "-q", "-r", "x"}, {"restore"}, {"key"}, {"repair"}}) {
    const Error error = error_of(words);
    EXPECT_EQ(error.code(), ErrorCode::kUsage) << words.front();
    EXPECT_NE(error.message().find("dbbackup " + words.front()), std::string::npos) << error.message();
  }
  EXPECT_THAT(error_of({"restore"}).solution(),
              testing::Contains(testing::StartsWith("dbbackup restore cluster: ")));
}

TEST_F(CommandLineTest, AMistypedWordGetsTheNearestOne) {
  const auto suggestion = [&](std::vector<std::string> words) {
    return error_of(std::move(words)).solution().front();
  };
  EXPECT_EQ(suggestion({"bakcup", "cluster"}), "Did you mean dbbackup backup?");
  EXPECT_EQ(suggestion({"backup", "clutser"}), "Did you mean dbbackup backup cluster?");
  EXPECT_EQ(suggestion({"probe", "deep", "app", "--confrim"}), "Did you mean --confirm?");
  EXPECT_EQ(suggestion({"probe", "deep", "app", "--job", "3"}), "Did you mean --jobs?");
  EXPECT_EQ(suggestion({"probe", "deep", "--repositry=/x"}), "Did you mean --repository?");
}

TEST_F(CommandLineTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(error_of({"frobnicate"}).message(), "Unknown command \"frobnicate\".");
  EXPECT_EQ(error_of({"list", "--zzz"}).message(), "Unknown option --zzz for \"dbbackup list\".");
  EXPECT_EQ(error_of({"list", "-z"}).message(), "Unknown option -z for \"dbbackup list\".");
  EXPECT_EQ(error_of({"list", "surplus"}).message(),
            "\"surplus\" is one word too many for \"dbbackup list\".");
  EXPECT_EQ(error_of({"probe", "deep"}).message(), "NAME is missing: a name.");
  EXPECT_THAT(error_of({"probe", "deep", "a", "--jobs", "many"}).message(), HasSubstr("many"));
  EXPECT_THAT(error_of({"probe", "deep", "a", "--jobs", "0"}).message(), HasSubstr("--jobs"));
  EXPECT_THAT(error_of({"probe", "deep", "a", "--wait", "-1"}).message(), HasSubstr("--wait"));
  EXPECT_THAT(error_of({"probe", "deep", "a", "--old", "burn"}).message(), HasSubstr("burn"));
  EXPECT_THAT(error_of({"probe", "deep", "a", "--jobs"}).message(), HasSubstr("--jobs"));
  for (const auto& words : std::vector<std::vector<std::string>>{{"x"}, {"list", "--zzz"}, {"show"}}) {
    EXPECT_THAT(error_of(words).solution().back(), HasSubstr("--help"));
  }
}

class HelpTest : public CommandLineTest {};

TEST_F(HelpTest, EveryCommandHasUsageDescriptionAndExamples) {
  const auto pages = pages_of(all_commands());
  for (const CommandPage& page : pages) {
    SCOPED_TRACE(page.help.name());
    const std::string text = render_help(pages, page.help.path, Style());
    EXPECT_TRUE(text.starts_with("Usage: dbbackup " + page.help.name() + " [options]"));
    EXPECT_THAT(text, HasSubstr("\nExamples:\n"));
    EXPECT_FALSE(page.help.examples.empty());
    EXPECT_FALSE(page.help.description.empty());
    EXPECT_FALSE(page.help.operation.empty());
    for (const OptionSpec& spec : page.options.options) EXPECT_THAT(text, HasSubstr(spec.long_name()));
    for (const Example& example : page.help.examples)
      EXPECT_THAT(text, HasSubstr("  " + example.command + "\n"));
  }
}

TEST_F(HelpTest, TheOverviewListsEveryCommand) {
  const auto pages = pages_of(all_commands());
  const std::string text = render_help(pages, {}, Style());
  for (const CommandPage& page : pages) EXPECT_THAT(text, HasSubstr("  " + page.help.name()));
  EXPECT_THAT(text, HasSubstr("Examples:"));
}

TEST_F(HelpTest, AGroupListsItsOwnCommandsOnly) {
  const std::string text = render_help(pages_of(all_commands()), {"backup"}, Style());
  EXPECT_THAT(text, HasSubstr("backup cluster"));
  EXPECT_THAT(text, HasSubstr("backup database NAME"));
  EXPECT_THAT(text, testing::Not(HasSubstr("restore")));
}

TEST_F(HelpTest, ThereIsNoHelpForWhatDoesNotExist) {
  EXPECT_THROW(render_help(pages_of(all_commands()), {"nonsense"}, Style()), Error);
}

TEST_F(HelpTest, NoLineIsWiderThanATerminal) {
  const auto pages = pages_of(all_commands());
  std::vector<std::vector<std::string>> paths = {{}};
  for (const CommandPage& page : pages) paths.push_back(page.help.path);
  for (const auto& path : paths) {
    const std::string text = render_help(pages, path, Style());
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin);
      EXPECT_LE(end - begin, 100U) << text.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

TEST_F(HelpTest, TheManualPageHasEveryCommandOptionAndExample) {
  const auto pages = pages_of(all_commands());
  const std::string page = render_man_page(pages);
  EXPECT_TRUE(page.starts_with(".TH DBBACKUP 1"));
  const auto escaped = [](std::string text) {
    for (size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
  };
  for (const CommandPage& command : pages) {
    EXPECT_THAT(page, HasSubstr(".SS \\fBdbbackup " + command.help.name() + "\\fR"));
    for (const OptionSpec& spec : command.options.options)
      EXPECT_THAT(page, HasSubstr(escaped(spec.long_name())));
  }
}

TEST_F(HelpTest, CompletionsKnowEveryCommandAndOption) {
  const auto pages = pages_of(all_commands());
  for (const std::string& shell : kShells) {
    SCOPED_TRACE(shell);
    const std::string script = render_completion(pages, shell);
    for (const CommandPage& command : pages) {
      for (const std::string& word : command.help.path) EXPECT_THAT(script, HasSubstr(word));
      for (const OptionSpec& spec : command.options.options) {
        EXPECT_THAT(script,
                    HasSubstr(shell == "fish" ? "-l " + spec.long_name().substr(2) : spec.long_name()));
      }
    }
  }
}

}  // namespace
}  // namespace dbb::cli
