-- How a sign-in is shown, what was agreed to when it began, and as whom it ended.
ALTER TABLE "sign_in_attempts"
  ADD COLUMN "display" TEXT NOT NULL DEFAULT 'page' CHECK ("display" IN ('page', 'popup')),
  ADD COLUMN "may_switch_user" BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN "redirect_uri" TEXT,
  ADD COLUMN "workspace_user_name" TEXT,
  ADD COLUMN "workspace_user_id" TEXT,
  ADD COLUMN "mismatch" TEXT CHECK ("mismatch" IN ('another_user', 'another_email')),
  ADD COLUMN "expected_user_name" TEXT;
