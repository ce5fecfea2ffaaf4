import { Type } from '../json-schema.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

const TenantRole = Type.Enum(['tenant_admin', 'member'], { type: 'string' })
const TeamRole = Type.Enum(['admin', 'member'], { type: 'string' })
const Status = Type.Enum(['active', 'suspended'], { type: 'string' })
const Version = Type.Optional(Type.Integer({ minimum: 1 }))

export const Member = Strict(
  {
    id: IdOfKind('user'),
    email: Type.String(),
    name: Type.String(),
    role: TenantRole,
    isAdminByGroup: Type.Boolean(),
    status: Status,
    teams: Type.Array(Strict({ id: IdOfKind('team'), name: Type.String(), role: TeamRole })),
    lastLoginAt: Nullable(Time),
    version: Type.Integer(),
    createdAt: Time
  },
  { title: 'Member' }
)

export const MemberPatchBody = Strict(
  { role: Type.Optional(TenantRole), status: Type.Optional(Status), version: Version },
  { title: 'MemberPatch' }
)

export const Team = Strict(
  {
    id: IdOfKind('team'),
    name: Type.String(),
    kind: Type.Enum(['shared', 'personal'], { type: 'string' }),
    isDefault: Type.Boolean({ description: 'Whoever joins the tenant joins it' }),
    version: Type.Integer(),
    createdAt: Time
  },
  { title: 'Team' }
)

export const TeamBody = Strict({ name: Text(120) }, { title: 'NewTeam' })

export const TeamPatchBody = Strict(
  { name: Type.Optional(Text(120)), version: Version },
  { title: 'TeamPatch' }
)

export const TeamMember = Strict(
  {
    userId: IdOfKind('user'),
    email: Type.String(),
    name: Type.String(),
    role: TeamRole,
    byHand: Nullable(TeamRole),
    byGroup: Nullable(TeamRole),
    status: Status
  },
  { title: 'TeamMember' }
)

export const TeamMemberBody = Strict({ role: TeamRole }, { title: 'TeamMemberRole' })

const invitationMembers = {
  id: IdOfKind('invitation'),
  email: Type.String(),
  role: TenantRole,
  teamIds: Type.Array(IdOfKind('team')),
  status: Type.Enum(['pending', 'accepted', 'expired'], { type: 'string' }),
  invitedBy: Type.String(),
  createdAt: Time,
  expiresAt: Time,
  acceptedAt: Nullable(Time),
  acceptedBy: Nullable(IdOfKind('user'))
}

export const Invitation = Strict(invitationMembers, { title: 'Invitation' })
export const CreatedInvitation = Strict(
  {
    ...invitationMembers,
    link: Type.String({ description: 'Shown this once, and sent to nobody' })
  },
  { title: 'CreatedInvitation' }
)

export const InvitationBody = Strict(
  {
    email: Text(320),
    role: TenantRole,
    teamIds: Type.Optional(
      Type.Array(IdOfKind('team'), {
        maxItems: 100,
        uniqueItems: true,
        description: 'Beside the team that everybody joins'
      })
    ),
    expiresInHours: Type.Optional(Type.Integer({ minimum: 1, maximum: 720, default: 168 }))
  },
  { title: 'NewInvitation' }
)
